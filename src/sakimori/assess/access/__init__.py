"""Who can do what: AWS's policy evaluation as a question that has an answer.

`engine.py` decides one request, with the statements that decided it. `questions.py` asks it of a whole inventory: who
can, what can, through which instance. `escalation.py` and `checks/` turn answers into findings. What is not modelled
is answered `Unknown`, by name.
"""
