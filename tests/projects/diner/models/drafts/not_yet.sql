MODEL (name diner.not_yet, kind NO_SUCH_KIND);
SELECT nothing FROM nowhere
