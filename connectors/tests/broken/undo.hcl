# in base
    undo "grant" {
      with = { user = input.user }
      loss = "the level"
    }
# becomes

