# Which records are of one person. The columns are alternatives: the first one that is there counts; names are compared without case,
# spaces and underscores. What agreement is worth is learnt from the records themselves; nothing below is fitted to one set of them.
# Scores are hundredths of a bit: 1000 are odds of 1024 to 1.

identity "person" {
  ids         = ["rec_id", "record_id", "id"]
  systems     = ["system", "source_system"]
  linkage     = "one_to_one"
  # Whoever comes back, or is hired after a contract, has a second record where employments are kept.
  several     = ["workday"]
  same        = 400
  review      = -100
  # Records are joined from a score on at which no more than so many of a million joined pairs are expected to be wrong.
  wrong_max   = 500
  members_max = 64
  # About how many people there are, for where weights are not learnt from the records: that of a daemon are not.
  population  = 10000

  field "given_name" {
    columns   = ["given_name", "first_name", "fname_c1", "fname", "forename", "first", "first(full_name)", "first(real_name)", "first(display_name)", "first(name)"]
    normalise = ["fold"]
    compare   = "name"
    crosses   = "surname"
    junk      = ["unknown", "none", "null", "na", "n a", "test", "user", "baby", "infant", "xxx"]
    synonyms = [
      ["abigail", "abby", "abbie"],
      ["albert", "bert", "al"],
      ["alexander", "alex", "alec", "sandy"],
      ["alexandra", "alexa", "lexi"],
      ["andrew", "andy", "drew"],
      ["anthony", "tony", "antonio"],
      ["barbara", "barb", "babs"],
      ["benjamin", "ben", "benny"],
      ["catherine", "katherine", "kathryn", "kate", "katie", "kathy", "cathy", "kat"],
      ["charles", "charlie", "chuck", "chas"],
      ["christopher", "chris", "kit"],
      ["christina", "christine", "tina", "chrissy"],
      ["daniel", "dan", "danny"],
      ["david", "dave", "davy"],
      ["deborah", "debra", "deb", "debbie"],
      ["dorothy", "dot", "dottie"],
      ["edward", "ed", "eddie", "ted", "ned"],
      ["elizabeth", "liz", "lizzie", "beth", "betty", "eliza", "libby", "betsy"],
      ["emily", "em", "emmy"],
      ["francis", "frank", "frankie", "francisco", "paco"],
      ["frederick", "fred", "freddie"],
      ["gabriel", "gabe"],
      ["gregory", "greg"],
      ["harold", "harry", "hal"],
      ["henry", "hank", "enrique"],
      ["isabella", "bella", "izzy", "isabel"],
      ["jacob", "jake"],
      ["james", "jim", "jimmy", "jamie", "santiago"],
      ["jennifer", "jen", "jenny"],
      ["jessica", "jess", "jessie"],
      ["john", "johnny", "jack", "jon"],
      ["jonathan", "jonny"],
      ["joseph", "joe", "joey", "jose", "pepe"],
      ["joshua", "josh"],
      ["kenneth", "ken", "kenny"],
      ["lawrence", "larry", "laurence"],
      ["leonard", "leo", "lenny"],
      ["margaret", "maggie", "meg", "peggy", "marge", "greta"],
      ["matthew", "matt"],
      ["michael", "mike", "mick", "mikey", "miguel"],
      ["nathaniel", "nathan", "nate"],
      ["nicholas", "nick", "nicky", "nicolas"],
      ["olivia", "liv", "livvy"],
      ["pamela", "pam"],
      ["patricia", "pat", "patty", "tricia", "trish"],
      ["patrick", "paddy"],
      ["peter", "pete", "pedro"],
      ["philip", "phillip", "phil"],
      ["rebecca", "becca", "becky"],
      ["richard", "rick", "dick", "ricky", "rich", "ricardo"],
      ["robert", "rob", "bob", "bobby", "robbie", "roberto"],
      ["ronald", "ron", "ronnie"],
      ["samantha", "sam", "sammy"],
      ["samuel", "sam", "sammy"],
      ["sarah", "sara", "sally", "sadie"],
      ["stephanie", "steph", "steffi"],
      ["stephen", "steven", "steve", "stevie"],
      ["susan", "sue", "susie", "suzanne"],
      ["theodore", "theo", "teddy"],
      ["theresa", "teresa", "terry", "tess"],
      ["thomas", "tom", "tommy"],
      ["timothy", "tim", "timmy"],
      ["victoria", "vicky", "tori"],
      ["vincent", "vince", "vinny"],
      ["virginia", "ginny"],
      ["walter", "walt", "wally"],
      ["william", "will", "bill", "billy", "willy", "liam", "guillermo"],
      ["zachary", "zach", "zack"],
    ]
  }
  field "middle_name" {
    columns   = ["middle_name", "middle_initial", "fname_c2"]
    normalise = ["fold"]
    compare   = "name"
  }
  field "surname" {
    columns   = ["surname", "last_name", "lname_c1", "lname", "family_name", "last", "last(full_name)", "last(real_name)", "last(display_name)", "last(name)"]
    normalise = ["fold"]
    compare   = "name"
    junk      = ["unknown", "none", "null", "na", "n a", "test", "user", "xxx"]
  }
  field "date_of_birth" {
    columns   = ["date_of_birth", "dob", "birth_date", "birthdate", "birthday", ["by", "bm", "bd"], ["birth_year", "birth_month", "birth_day"]]
    normalise = ["date"]
    compare   = "date"
    junk      = ["19000101", "19010101", "19700101", "99991231", "00000000", "11111111"]
  }
  field "national_id" {
    columns    = ["national_id", "ssn", "soc_sec_id", "social_security_number", "tax_id"]
    normalise  = ["alphanumeric"]
    compare    = "code"
    junk       = ["000000000", "111111111", "123456789", "987654321", "999999999", "unknown", "none"]
    shared_max = 50
  }
  field "employee_id" {
    columns    = ["employee_id", "employee_number", "worker_id", "personnel_number"]
    normalise  = ["alphanumeric", "number"]
    compare    = "code"
    shared_max = 50
  }
  field "email" {
    columns    = ["email", "email_address", "mail", "work_email", "user_principal_name"]
    normalise  = ["email"]
    compare    = "email"
    shared_max = 50
  }
  field "username" {
    columns    = ["username", "user_name", "login", "handle", "sam_account_name"]
    normalise  = ["fold", "alphanumeric"]
    compare    = "code"
    shared_max = 50
  }
  field "phone" {
    columns   = ["phone", "phone_number", "mobile", "mobile_phone", "telephone"]
    normalise = ["phone"]
    compare   = "code"
    junk      = ["0000000000", "9999999999", "1111111111", "1234567890"]
  }
  field "street_number" {
    columns   = ["street_number", "house_number"]
    normalise = ["alphanumeric"]
    compare   = "code"
  }
  field "street" {
    columns   = ["address_1", "street_name", "street", "street_address", "address_line_1", "address"]
    normalise = ["street"]
    compare   = "text"
  }
  field "address_rest" {
    columns   = ["address_2", "address_line_2", "unit_number", "unit"]
    normalise = ["street"]
    compare   = "text"
  }
  field "city" {
    columns   = ["suburb", "city", "town", "locality"]
    normalise = ["fold"]
    compare   = "text"
  }
  field "postcode" {
    columns   = ["postcode", "zipcode", "zip", "postal_code", "zip_code"]
    normalise = ["alphanumeric"]
    compare   = "code"
  }
  field "state" {
    columns   = ["state", "region", "province"]
    normalise = ["fold"]
    compare   = "exact"
  }
  field "sex" {
    columns     = ["sex", "gender"]
    normalise   = ["fold"]
    compare     = "exact"
    frequencies = false
  }

  # Different people who come to look alike, and by what.
  relation "household" {
    shares       = ["surname", "phone", "street_number", "street", "address_rest", "city", "postcode", "state"]
    per_thousand = 200
  }
  relation "twins" {
    shares       = ["surname", "date_of_birth", "phone", "street_number", "street", "address_rest", "city", "postcode", "state"]
    per_thousand = 10
  }
  relation "namesakes in a household" {
    shares       = ["given_name", "surname", "phone", "street_number", "street", "address_rest", "city", "postcode", "state"]
    per_thousand = 5
  }
  relation "a number that was given out again" {
    shares       = ["email", "username", "phone", "employee_id"]
    per_thousand = 5
  }

  # Two people who share an address of mail and nothing of a name: a mailbox that several read, or that was given out again.
  veto "a mailbox of several people" {
    agrees  = ["email"]
    differs = ["given_name", "surname"]
  }

  block { keys = ["national_id"] }
  block { keys = ["employee_id"] }
  block { keys = ["email"] }
  block { keys = ["username"] }
  block { keys = ["phone"] }
  block { keys = ["date_of_birth", "surname:front(2)"] }
  block { keys = ["date_of_birth", "given_name:front(2)"] }
  block { keys = ["date_of_birth:bag", "surname:sound"] }
  block { keys = ["date_of_birth", "postcode"] }
  block {
    keys    = ["date_of_birth"]
    at_most = 16
  }
  block { keys = ["given_name", "surname"] }
  block { keys = ["given_name", "surname", "date_of_birth:year"] }
  block { keys = ["given_name", "surname", "date_of_birth:month_day"] }
  block { keys = ["given_name", "surname", "postcode"] }
  block { keys = ["surname:sound", "given_name:front(3)", "date_of_birth:year"] }
  block { keys = ["surname:sound", "given_name:sound", "date_of_birth:month_day"] }
  block { keys = ["surname", "date_of_birth:month_day"] }
  block { keys = ["given_name", "date_of_birth:month_day", "date_of_birth:bag"] }
  block { keys = ["surname:front(4)", "postcode", "given_name:front(1)"] }
  block { keys = ["surname", "street:front(6)"] }
  block { keys = ["street", "street_number", "postcode:front(3)"] }
  block { keys = ["street:front(8)", "street_number", "given_name:front(3)"] }
  block { keys = ["given_name", "postcode"] }
  block { keys = ["surname", "postcode"] }
  block { keys = ["street", "city"] }
  block { keys = ["postcode", "street_number", "city"] }
}
