-- +goose Up

-- What proves who has written an event: its signature as it came with the topic, the key that it was made with, and the extension
-- attributes that it is over. Null for an event that came without one, or has not come back yet, or was recorded by the version before.
alter table journal
    add column key_id            text,
    add column signature         bytea,
    add column signed_attributes text;

-- +goose Down
alter table journal drop column signed_attributes, drop column signature, drop column key_id;
