-- +goose Up

-- What cannot be asked of the gateway until an operator retries or settles it: authorize, capture, release or refund; '' for nothing.
alter table payments add column stuck text not null default '';

-- +goose Down
alter table payments drop column stuck;
