package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Replicas that decide by different configurations would each be right in their own
// way: one counts one approval, the other two. So each notes what it decides by, and
// where they differ the one that began last goes on; the others stand aside until
// it is gone or they are restarted. A deploy that changes the configuration therefore
// goes through: what it starts is ready, what it ends stands aside.

// rules is what this configuration decides by, a line each; no secret is in it.
func (c Config) rules() string {
	sorted := func(ids []string) string { return strings.Join(slices.Sorted(slices.Values(unique(ids))), ",") }
	return strings.Join([]string{
		"MODE=" + c.Mode, "ALLOW_SUBSCRIPTIONS=" + sorted(c.AllowSubscriptions),
		fmt.Sprint("APPROVALS_REQUIRED=", c.ApprovalsRequired), fmt.Sprint("REVERT_APPROVALS_REQUIRED=", c.RevertApprovalsRequired),
		"APPROVER_GROUPS=" + sorted(c.ApproverGroups), "APPROVER_USERS=" + sorted(c.ApproverUsers),
		"REQUESTER_GROUPS=" + sorted(c.RequesterGroups), "ONCALL_GROUP=" + c.OnCallGroup,
		"BACKUP_DESTINATIONS=" + sorted(c.BackupDestinations),
	}, "\n")
}

// compareRules compares with the other replicas until ctx ends. Without Redis, and
// without a name of its own, a replica stays as it is.
func (b *Bot) compareRules(ctx context.Context) error {
	if b.name == "" {
		return nil
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = b.store.ForgetRules(ctx, b.name) // else it counts as silent soon
	}()
	for {
		others, err := b.store.CompareRules(ctx, b.name, b.cfg.rules(), b.cfg.Lease)
		if err == nil {
			older, newer := "", ""
			for _, o := range others {
				switch differs := difference(b.cfg.rules(), o.Text); {
				case differs == "":
				case o.Newer:
					newer = fmt.Sprintf("replica %s, which began later, decides by another configuration (%s): this one stands aside; give all replicas the same", o.Replica, differs)
				default:
					older = fmt.Sprintf("replica %s decides by another configuration (%s) and stands aside; give all replicas the same", o.Replica, differs)
				}
			}
			b.health.setAside(newer)
			b.health.setDegraded("configuration_differs", older)
		}
		if sleep(ctx, max(b.cfg.Lease/3, 50*time.Millisecond), nil) {
			return ctx.Err()
		}
	}
}

// difference names the variables in which two rules differ; "" for none.
func difference(ours, theirs string) string {
	if ours == theirs {
		return ""
	}
	there := strings.Split(theirs, "\n")
	var out []string
	for _, line := range strings.Split(ours, "\n") {
		if slices.Contains(there, line) {
			continue
		}
		name, _, _ := strings.Cut(line, "=")
		value := "unknown"
		for _, t := range there {
			if v, ok := strings.CutPrefix(t, name+"="); ok {
				value = fmt.Sprintf("%q", v)
			}
		}
		out = append(out, fmt.Sprintf("%s: %s there", line, value))
	}
	if out == nil {
		return "it knows more variables"
	}
	return strings.Join(out, "; ")
}

// whileAgreed runs something whenever this replica does not stand aside, until ctx
// ends.
func (b *Bot) whileAgreed(ctx context.Context, run func(context.Context) error) error {
	for {
		if err := b.health.waitAside(ctx, false); err != nil {
			return err
		}
		agreed, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if b.health.waitAside(agreed, true) == nil {
				stop()
			}
		}()
		err := run(agreed)
		aside := agreed.Err() != nil && ctx.Err() == nil
		stop()
		<-done
		if !aside {
			return err
		}
	}
}
