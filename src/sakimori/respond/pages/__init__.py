"""The pages behind the links in messages: a person looks at what is asked, and then approves, rejects or acknowledges.

A GET only shows: mail scanners and chat previews open every link. A POST decides, with the token of the link and a form
that was made for it: signed for this token and this verdict, a quarter of an hour old at most, and sent from this page.
What counts once is the approval itself, in the book. Whatever a page shows of findings is text: templates escape
everything, and the policy of the page allows no script, no frame and nothing from elsewhere.
"""
