# in base
  domain = "software"
# becomes
  domain = "softwear"
