-- +goose Up

-- What the gateway refuses for good is not asked again by itself: the operation stays open, and stuck, until an operator
-- retries or settles it. A version that does not know of it sees an operation that is open, and leaves it alone.
alter table operations
    add column stuck_at    timestamptz,              -- since when; null if it is not
    add column handled_by  text not null default '', -- the operator who retried or settled it, and why
    add column handled_why text not null default '';

-- +goose Down
alter table operations drop column stuck_at, drop column handled_by, drop column handled_why;
