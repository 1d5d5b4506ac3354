"""One file a channel. It declares its `SETTINGS` (name -> whether it is needed), its `IAM_ACTIONS`, whether `PEOPLE`
read it (then several messages can be one, and it can have quiet hours), and sends:

def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> str | None

which may give what the channel calls it, and finds that again in `message.reference` when there is more to say. It
raises NotifyError or AwsError. A channel that takes many at once has `send_many(messages, settings)` instead, which
gives what was not taken: key -> why. One that shows by itself that a drill's canary arrived has `answered(canary,
settings)`, and `retire(canary, settings)` if it would stay.
"""
