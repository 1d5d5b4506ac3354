"""What can reach what: "logic specification + network snapshot + query = result", answered by exact set algebra.

A query becomes chains of stages (routes, network ACLs, security groups, gateways); a stage is a set of packets; a
packet that is in all of them, on the way there and back, is a witness. What is not modelled makes the answer "unknown".
"""
