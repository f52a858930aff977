"""What single backends offer beside the hooks (a site's search, a library of workflows), for every surface alike.

Backends are found by id and used by the names of their methods; nothing here imports one.
"""
