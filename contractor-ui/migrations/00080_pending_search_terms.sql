-- +goose Up

-- What is indexed waits in a short list, which becomes part of the index many rows at a time: a lexeme that many of them have is written
-- once then, and not once for each row with all the rows that have it. Searches read the list, too. Nobody waits for this but the indexer.
alter index payment_search_terms_lexemes set (fastupdate = on, gin_pending_list_limit = 256); -- kB
alter index order_search_terms_lexemes set (fastupdate = on, gin_pending_list_limit = 256);

-- +goose Down
alter index order_search_terms_lexemes set (fastupdate = off, gin_pending_list_limit = 4096);
alter index payment_search_terms_lexemes set (fastupdate = off, gin_pending_list_limit = 4096);
