-- Web chat: a visitor's own lines, and theirs alone, by the handle they came on.

create index entry_chat on entry (handle_id, at desc) where channel = 'chat' and kind = 'message';
