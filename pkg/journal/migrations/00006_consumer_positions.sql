-- +goose Up

-- The table and its columns take the glossary's names. The version before works on the view, which the next release drops.
alter table hearing rename to consumer_positions;
alter table consumer_positions rename heard to next;
alter table consumer_positions rename constraint hearing_pkey to consumer_positions_pkey;
create view hearing as select topic, partition, first, next as heard, target, began_at, topic_id, lost from consumer_positions;

-- +goose Down
drop view hearing;
alter table consumer_positions rename constraint consumer_positions_pkey to hearing_pkey;
alter table consumer_positions rename next to heard;
alter table consumer_positions rename to hearing;
