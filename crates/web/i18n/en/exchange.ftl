# Words of the slice "exchange".

# What to do with a delivery (domain::message::Proposal)
proposal-check-index = Check the address in the index
proposal-second-try-later = Full mailbox: a second try is already set
proposal-mend-message = Mend what the provider names and send again
proposal-remove-virus = Remove the virus before sending again
proposal-split-message = Split the message or send a link
proposal-ask-provider = Ask the PEC provider for news
proposal-check-server = Check the configuration of the mail server
