-- +goose Up

-- What is searched of words: of each, all its ends of three characters and more, those with anything but plain letters and digits in
-- them, and its beginning of one and of two characters after a ^. A word that begins with @ is a mark, and stays as it is.
-- +goose StatementBegin
create function search_lexemes(words text) returns tsvector language plpgsql immutable parallel safe as $$
declare
    word text;
    rest text;
    lexemes text[] := '{}';
begin
    foreach word in array string_to_array(words, ' ') loop
        if left(word, 1) = '@' then
            lexemes := lexemes || word;
            continue;
        end if;
        word := ltrim(word, '^');
        continue when word = '';
        lexemes := lexemes || array[word, '^' || left(word, 1), '^' || left(word, 2)];
        for n in 2 .. length(word) loop
            rest := substr(word, n);
            if length(rest) >= 3 or rest ~ '[^a-z0-9]' then
                lexemes := lexemes || rest;
            end if;
        end loop;
    end loop;
    return array_to_tsvector(lexemes);
end $$;
-- +goose StatementEnd

-- Words that begin with a ^ are indexed later, and are searched as they are until then: the index of the ends of all words is the dearest
-- there is, and no command waits for it. Those of the version before are indexed at once, as it expects.
alter table payment_words add column raw text;
-- +goose StatementBegin
create or replace function note_payment_words() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into payment_words (payment_id, search, raw) values (new.id, '', new.words)
        on conflict (payment_id) do update set search = '', raw = excluded.raw;
    else
        insert into payment_words (payment_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (payment_id) do update set search = excluded.search, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd

-- Words that begin with a ^ are indexed later, and are searched as they are until then: the index of the ends of all words is the dearest
-- there is, and no command waits for it. Those of the version before are indexed at once, as it expects.
alter table order_words add column raw text;
-- +goose StatementBegin
create or replace function note_order_words() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into order_words (order_id, search, raw) values (new.id, '', new.words)
        on conflict (order_id) do update set search = '', raw = excluded.raw;
    else
        insert into order_words (order_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (order_id) do update set search = excluded.search, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd

-- The catalog changes seldom: it is indexed as it is written.
-- small: a catalog has some thousands of products and customers.
alter table products add column found tsvector not null generated always as (search_lexemes(words)) stored;
alter table customers add column found tsvector not null generated always as (search_lexemes(words)) stored;

-- +goose Down
-- +goose StatementBegin
create or replace function note_payment_words() returns trigger language plpgsql as $$
begin
    insert into payment_words (payment_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (payment_id) do update set search = excluded.search;
    return null;
end $$;
-- +goose StatementEnd
alter table payment_words drop column raw;
-- +goose StatementBegin
create or replace function note_order_words() returns trigger language plpgsql as $$
begin
    insert into order_words (order_id, search) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
    on conflict (order_id) do update set search = excluded.search;
    return null;
end $$;
-- +goose StatementEnd
alter table order_words drop column raw;
alter table products drop column found;
alter table customers drop column found;
drop function search_lexemes;
