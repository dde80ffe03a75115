-- +goose Up

-- Whether a partition is still the one that was heard.
alter table hearing
    add column topic_id uuid, -- the brokers' id of the topic that was heard; null if they have not said
    add column lost     text; -- what is gone of it unheard, in words; null if nothing is. Only an operator's word ends it

-- +goose Down
alter table hearing drop column topic_id, drop column lost;
