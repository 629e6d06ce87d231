// Package thread draws what must arrive: it keeps every session's card and
// thread in line with its record, under Slack's limits.
//
// A state change and "this card is behind" are one write, so what has to be
// drawn is never forgotten: queue:dirty names it until it is drawn. Any
// replica takes the most urgent, draws the card from the record (never from
// what it remembers), sends only what differs from what was last sent, and
// posts the journal's milestones as replies in their order. Latest wins: ten
// changes while a limit holds become one update.
//
// A limit holds everybody back in front of the queue, so that the most urgent card
// is the first one after it and none is drawn in vain.
//
// A card that can be changed no more, because somebody deleted it or it is too old
// for that, gets a successor while there is anything to tell. Whatever else Slack
// refuses for good is told to whoever asked, once; the drawer goes on trying.
//
// A post whose answer was lost is posted again. A doubled milestone does no
// harm; of a doubled card the first recorded one lives, and the buttons of
// the other still lead to the session. What was drawn from a record that a
// failover forgot is drawn again ([session.Store.CatchUp]).
//
// What is remembered of cards is [Memory]; it lies in the session's store.
package thread
