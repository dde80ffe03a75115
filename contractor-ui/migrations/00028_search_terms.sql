-- +goose Up

-- The tables and their columns take the glossary's names, the same in both web apps. The version before works on the views, which the next
-- release drops.
alter table payment_words rename to payment_search_terms;
alter table payment_search_terms rename words to lexemes;
alter table payment_search_terms rename constraint payment_words_pkey to payment_search_terms_pkey;
alter table payment_search_terms rename constraint payment_words_id_fkey to payment_search_terms_id_fkey;
alter index payment_words_words rename to payment_search_terms_lexemes;
alter index payment_words_raw rename to payment_search_terms_raw;
create view payment_words as select id, lexemes as words, raw from payment_search_terms;
alter function note_payment_words() rename to note_payment_search_terms;
-- +goose StatementBegin
create or replace function note_payment_search_terms() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into payment_search_terms (id, lexemes, raw) values (new.id, '', new.words)
        on conflict (id) do update set lexemes = '', raw = excluded.raw;
    else
        insert into payment_search_terms (id, lexemes) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (id) do update set lexemes = excluded.lexemes, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd

alter table order_words rename to order_search_terms;
alter table order_search_terms rename words to lexemes;
alter table order_search_terms rename constraint order_words_pkey to order_search_terms_pkey;
alter table order_search_terms rename constraint order_words_id_fkey to order_search_terms_id_fkey;
alter index order_words_words rename to order_search_terms_lexemes;
alter index order_words_raw rename to order_search_terms_raw;
create view order_words as select id, lexemes as words, raw from order_search_terms;
alter function note_order_words() rename to note_order_search_terms;
-- +goose StatementBegin
create or replace function note_order_search_terms() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into order_search_terms (id, lexemes, raw) values (new.id, '', new.words)
        on conflict (id) do update set lexemes = '', raw = excluded.raw;
    else
        insert into order_search_terms (id, lexemes) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (id) do update set lexemes = excluded.lexemes, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd

-- +goose Down
drop view payment_words;
alter index payment_search_terms_raw rename to payment_words_raw;
alter index payment_search_terms_lexemes rename to payment_words_words;
alter table payment_search_terms rename constraint payment_search_terms_id_fkey to payment_words_id_fkey;
alter table payment_search_terms rename constraint payment_search_terms_pkey to payment_words_pkey;
alter table payment_search_terms rename lexemes to words;
alter table payment_search_terms rename to payment_words;
alter function note_payment_search_terms() rename to note_payment_words;
-- +goose StatementBegin
create or replace function note_payment_words() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into payment_words (id, words, raw) values (new.id, '', new.words)
        on conflict (id) do update set words = '', raw = excluded.raw;
    else
        insert into payment_words (id, words) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (id) do update set words = excluded.words, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd
drop view order_words;
alter index order_search_terms_raw rename to order_words_raw;
alter index order_search_terms_lexemes rename to order_words_words;
alter table order_search_terms rename constraint order_search_terms_id_fkey to order_words_id_fkey;
alter table order_search_terms rename constraint order_search_terms_pkey to order_words_pkey;
alter table order_search_terms rename lexemes to words;
alter table order_search_terms rename to order_words;
alter function note_order_search_terms() rename to note_order_words;
-- +goose StatementBegin
create or replace function note_order_words() returns trigger language plpgsql as $$
begin
    if left(new.words, 1) = '^' then
        insert into order_words (id, words, raw) values (new.id, '', new.words)
        on conflict (id) do update set words = '', raw = excluded.raw;
    else
        insert into order_words (id, words) values (new.id, array_to_tsvector(string_to_array(new.words, ' ')))
        on conflict (id) do update set words = excluded.words, raw = null;
    end if;
    return null;
end $$;
-- +goose StatementEnd
