"""A reader corrects the beats of a recording, and the rest are classified again by the answers.

`answers` says what a reader can answer and `journal` keeps it on disk; `corrections` applies
answers to the beats; `likeness`, `questions`, `relearning` and `learner` choose what to ask and
learn from what was answered; `session` puts them together, `results` writes what comes of it, and
`serving` offers the session to a browser.
"""
