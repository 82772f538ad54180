-- In the place of what comes with leases.
SELECT 1;
