-- Whether any pull has been loaded.
SELECT EXISTS (SELECT FROM load)
