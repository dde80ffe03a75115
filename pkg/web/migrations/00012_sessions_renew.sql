-- +goose Up

-- The person's rights have changed: the session gets another token with the next page.
alter table sessions add column renew boolean not null default false;

-- +goose Down
alter table sessions drop column renew;
