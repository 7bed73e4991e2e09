-- In how many rows of one table, whoever's they are, each column has a text that matches, whatever the case.
SELECT {counts} FROM {table}
