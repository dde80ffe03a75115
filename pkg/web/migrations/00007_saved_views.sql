-- +goose Up

-- Views of lists, as people keep them: what a list's address asks for, under a name. Each has one of the places of its person's and list's, so
-- that nobody has more, whoever saves at the same moment.
create table saved_views (
    person text not null,
    list   text not null, -- its path
    place  smallint not null check (place between 1 and 20),
    name   text not null,
    key    text not null, -- what names are told apart by
    query  text not null, -- of the address
    primary key (person, list, place),
    unique (person, list, key)
);

-- +goose Down
drop table saved_views;
