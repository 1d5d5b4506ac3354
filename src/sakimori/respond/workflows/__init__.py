"""One file a workflow: what is to be done about an event. It looks at the world, decides, and changes nothing
itself."""
