-- What a visitor of the chat was answered, in the order in which it left; replies to others are not in it.

create index outbox_visitor on outbox (account_id, to_address, left_at desc)
    where to_address like 'anon:%' or to_address like 'id:%';

-- Tokens that were kept whole: without their signature nobody begins a session with them.
update dead_letter set content_type = regexp_replace(content_type, '(; visitor=[A-Za-z0-9_-]+)\.[A-Za-z0-9_.-]*', '\1')
 where content_type like '%; visitor=%.%';
update raw_event set content_type = regexp_replace(content_type, '(; visitor=[A-Za-z0-9_-]+)\.[A-Za-z0-9_.-]*', '\1')
 where account_id in (select id from account where channel = 'chat') and content_type like '%; visitor=%.%';
