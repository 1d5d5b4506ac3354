"""The console: what the other rooms know, as web pages and as JSON, for people who have signed in.

It decides nothing: a page asks the ledger and the book of responses, and an act calls what the command line calls.
`pages/` holds a file a page: it declares its address, its template and what it shows, and what can be done from it.
Every page is at `/api` + its address as JSON. `people.py` keeps who may sign in, `application.py` is the way in: nobody
gets past it without a session or a token, no form counts that was not made for that session, and nothing on a page is
anything but text.
"""
