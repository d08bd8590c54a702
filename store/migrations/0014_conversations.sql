-- The topics at a glance read a customer's last conversations whole: from the index alone.

create index conversation_customer on conversation (customer_id, opened_at desc) include (id, folded_into);
drop index conversation_customer_id_opened_at_idx;
