package view

import (
	"encoding/json"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Summons names whom a milestone concerns, so that Slack notifies them: of an
// edited card it notifies nobody. Empty: it is for who follows the thread. data is
// the journal's.
func Summons(s upgrade.Session, ev upgrade.Event, data []byte, p Policy) string {
	p = p.under(s)
	var call struct {
		Answer upgrade.Answer `json:"answer"`
	}
	_ = json.Unmarshal(data, &call) // most entries have none
	switch ev {
	case upgrade.Rehearse:
		return faceOf(s).who(p, " ")
	case upgrade.Revise:
		return p.Approvers
	case upgrade.Calling:
		if call.Answer == upgrade.Lose || call.Answer == upgrade.Insist {
			return p.OnCall
		}
	case upgrade.Note:
		if s.State == upgrade.Failed { // it arrived after all
			return person(s.By)
		}
	case upgrade.Fail:
		if s.NotBack() {
			return p.OnCall + " " + person(s.By)
		}
		return person(s.By)
	case upgrade.Block, upgrade.Deny, upgrade.Expire, upgrade.Finish:
		return person(s.By)
	}
	return ""
}

// Summon puts the mentions under a milestone.
func Summon(m Message, whom string) Message {
	if whom != "" {
		m.Text += " " + whom
		m.Blocks = append(m.Blocks[:len(m.Blocks):len(m.Blocks)], note(whom))
	}
	return m
}
