# in base
    outputs = { id = item.id }
# becomes

