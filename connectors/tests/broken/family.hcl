# in base
  title  = "A customer system"
# becomes
  extends = "crms"
  title  = "A customer system"
