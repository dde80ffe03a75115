-- +goose Up

-- A file belongs to the person who uploaded it, and is imported once. Those of before belong to nobody.
delete from uploads;
alter table uploads
    add owner       text collate "C" not null, -- the person's id
    add imported_at timestamptz,               -- null until it was; by the owner, nobody else can
    add added       int,                       -- what came of it, as all below
    add changed     int,
    add unchanged   int,
    add check (num_nulls(imported_at, added, changed, unchanged) in (0, 4));
create index uploads_of_owner on uploads (owner, created_at);

-- +goose Down
drop index uploads_of_owner;
alter table uploads drop owner, drop imported_at, drop added, drop changed, drop unchanged;
