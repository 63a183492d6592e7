-- Which of a response's ratings answers which question. Of those stored so far nobody knows, and the next export that tells the response tells them anew.
alter table scores add column question_key text not null default '';
