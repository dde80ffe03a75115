-- +goose Up

alter table dead_letters drop constraint dead_letters_kind_check,
    add constraint dead_letters_kind_check check (kind in ('malformed', 'poison', 'parked', 'refused'));

-- +goose Down
delete from dead_letters where kind = 'refused';
alter table dead_letters drop constraint dead_letters_kind_check,
    add constraint dead_letters_kind_check check (kind in ('malformed', 'poison', 'parked'));
