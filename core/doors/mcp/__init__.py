"""The MCP server: the operations as tools for agents, over stdio, in every revision of the protocol.

`program` owns the process and its streams, `connection` the protocol, `board` what this product offers through it
(tools, prompts, resources), and `caller` the agent for whom a call is made. A connection knows neither the streams nor
the product: it is given an `Offer` (core/doors/mcp/offer.py), so that another one, such as the fixtures of the
conformance suite, can stand behind the same dispatcher, and other streams, such as HTTP, before it.
"""
