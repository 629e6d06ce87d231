package scenario

import (
	"context"
	"fmt"
	"strings"
)

// all plays several sentences as one; the failure names the one that failed.
func (p *play) all(ctx context.Context, sentences ...string) error {
	known := language()
	for _, said := range sentences {
		do, args, ok := understand(known, said)
		if !ok {
			return fmt.Errorf("    nobody understands %q", said)
		}
		if err := do.do(p, ctx, args); err != nil {
			return fmt.Errorf("    in: %s\n%w", said, err)
		}
	}
	return nil
}

func (p *play) asksUpgrade(ctx context.Context, args []string) error {
	person, name, version, reason := args[0], args[1], args[2], args[3]
	before := p.card
	err := p.all(ctx,
		person+": /redis-upgrade "+name,
		person+` sees the modal "Upgrade a database"`,
		fmt.Sprintf("%s picks version %q", person, version),
		fmt.Sprintf("%s writes reason %q", person, reason),
		person+" submits")
	if err != nil {
		return err
	}
	return p.waitCard(ctx, func(m message) bool { return m.TS > before && strings.HasPrefix(m.title(), "Upgrade "+name+":") })
}

func (p *play) asksRevert(ctx context.Context, args []string) error {
	person, name, reason := args[0], args[1], args[2]
	before := p.card
	err := p.all(ctx,
		person+` clicks "Revert…"`,
		person+` sees the modal "Revert this upgrade"`,
		person+" pastes the newest backup of "+name,
		fmt.Sprintf("%s writes name %q", person, name),
		fmt.Sprintf("%s writes reason %q", person, reason),
		person+" submits")
	if err != nil {
		return err
	}
	return p.waitCard(ctx, func(m message) bool { return m.TS > before && strings.HasPrefix(m.title(), "Revert "+name+":") })
}

func (p *play) approvesDeletion(ctx context.Context, args []string) error {
	return p.all(ctx,
		args[0]+` clicks "Approve deletion…"`,
		args[0]+` sees the modal "Approve deletion"`,
		args[0]+" writes name as the modal asks",
		args[0]+" submits")
}

// writesAsked reads "Type cache-prod/51055" above the field and does so.
func (p *play) writesAsked(ctx context.Context, args []string) error {
	m, _, block, err := p.fieldOf(ctx, args[0], "name")
	if err != nil {
		return err
	}
	for _, b := range m.Blocks {
		if b["block_id"] == block {
			text := strings.TrimPrefix(textOf(b["label"]), "Type ")
			return p.writes(ctx, []string{args[0], "name", text})
		}
	}
	return fmt.Errorf("    the field has no label")
}
