-- Every client of whom anything was observed.
SELECT client_id FROM load UNION SELECT client_id FROM account ORDER BY client_id
