# Words of the slice "exchange".

# What to do with a delivery (domain::message::Proposal)
proposal-check-index = Check the address in the index
proposal-second-try-later = Full mailbox: a second try is already set
proposal-mend-message = Mend what the provider names and send again
proposal-remove-virus = Remove the virus before sending again
proposal-split-message = Split the message or send a link
proposal-ask-provider = Ask the PEC provider for news
proposal-check-server = Check the configuration of the mail server

err-only-test-addresses = In the demonstration addresses end in .test
err-twice = This recipient is already there: remove it here
err-ceased-body = This body no longer exists; its functions went to { $value }
err-unknown-body = No body has the code { $value }: search it by name
err-unknown-aoo = This area is not of the body: choose one of the list
refusal-message-not-waiting = Somebody has already decided about this message
refusal-message-unreadable = The message cannot be read: download the bytes received
refusal-annulled-entry = The entry is annulled: it cannot be sent
refusal-only-outgoing-entries = Only outgoing entries can be sent
refusal-body-outside-hub = This body does not work in this installation: use its certified mail
