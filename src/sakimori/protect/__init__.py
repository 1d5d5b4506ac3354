"""The workload protection manager: computers, policies, protection modules, rules and tasks behind a REST API.

Resources are declared as data in `resources/`; `declare.py` is the language. `accept.py` checks what clients send,
`storage.py` keeps it, `search.py` finds it again; `objects.py` makes operations of the declarations, `routes.py` lists
all of them, `service.py` answers over HTTP and `openapi.py` describes it. What has behaviour of its own (inheritance,
assignments, tasks) has a file of its own. A `Manager` is what one process holds; `app.application(manager)` serves it.
`engine.py` runs tasks; `agent_service.py` is what agents talk to.

For other parts of the room:

- `builtin.load(connection, tenant, catalogue)` brings the built-in rules into a tenant. The catalogue is resource id ->
  ID -> values as the API names them; IDs up to a resource's `reserved` are the catalogue's own.
- `performers.py` names the functions that do a task on one computer (`work.Job` in, `work.Outcome` out), and those
  that read what an agent answered. The task engine leases jobs, calls them, and stores what comes back.
- `storage.find(connection, tenant, resource, query)` and its neighbours read and write objects in a transaction of
  `store.database.reading` or `writing`; `all_resources()[id]` is the declaration.
- Tenant 0 is the primary one.
"""
