"""One file a channel. It declares its `SETTINGS` (name -> whether it is needed) and `IAM_ACTIONS`, and sends:

def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None     # raises NotifyError, AwsError
"""
