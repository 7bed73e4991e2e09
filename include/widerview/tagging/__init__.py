"""Links of campaigns: tagged by one plan, printed as QR codes, led on by redirects, and looked over once a week."""
