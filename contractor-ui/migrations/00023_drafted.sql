-- +goose Up
-- Which products lie in a draft, so that who has it open is told when one of them changes. What was taken out again of drafts
-- from before is among them until their next change, and harms nobody.
alter table orders add column drafted uuid[] not null default '{}';
update orders set drafted = array(select distinct (data->>'product_id')::uuid from journal
    where stream = 'order-' || orders.id and type = 'order_item_added')
    where state = 'draft';
create index orders_drafts on orders (contractor_id) where state = 'draft';

-- +goose Down
drop index orders_drafts;
alter table orders drop column drafted;
