-- offer_blocked: offers blocked runs of a workflow to deployments that serve it and have not tried them, and takes back what was offered to one that is gone.
-- Guarantee: a bounded number per call; a repeat goes on where the last one ended, and an offer that stands is left alone.
-- ARGS
-- RETURNS 1 if there may be more, else 0
return blocks.offer_some() and 1 or 0
