package cloud

import (
	"context"
	"fmt"
	"strings"
)

// Subscription holds databases. Fields marked Essentials are empty for Pro.
type Subscription struct {
	ID            int
	Name          string
	Status        string // as it came; see Active, Failed
	Plan          Plan
	ActiveActive  bool   // by deploymentType; its databases may also tell
	MemoryStorage string // ram, ram-and-flash
	Databases     int    // how many, where known
	Provider      string // of the first cloud and region
	Region        string
	Regions       []string // all of them
	Networks      []string // deployment CIDRs
	PublicAccess  bool     // public endpoints answer; true unless switched off

	PlanName            string  // Essentials
	DatabaseStatus      string  // Essentials
	Size                float64 // Essentials, in SizeUnit
	SizeUnit            string  // Essentials: MB or GB
	MaximumDatabases    int     // Essentials
	CIDRs               int     // Essentials: how many allow rules the plan has
	SupportsPersistence bool    // Essentials
	SupportsBackups     bool    // Essentials: instant and daily backups; Pro: always
	SupportsReplication bool    // Essentials; Pro: always
	SupportsClustering  bool    // Essentials; Pro: always
}

// Active reports whether changes are accepted.
func (s Subscription) Active() bool { return Active(s.Status) }

// Failed reports a status that waiting does not mend. What is neither Active
// nor Failed is in transition, also where the word is unknown.
func (s Subscription) Failed() bool { return statusFailed(s.Status) }

type wireSubscription struct {
	ID             number `json:"id"`
	Name           text   `json:"name"`
	Status         text   `json:"status"`
	DeploymentType text   `json:"deploymentType"`
	MemoryStorage  text   `json:"memoryStorage"`
	Databases      number `json:"numberOfDatabases"`
	PublicAccess   *flag  `json:"publicEndpointAccess"`
	Clouds         list[struct {
		Provider text `json:"provider"`
		Regions  list[struct {
			Region     text `json:"region"`
			Networking list[struct {
				CIDR text `json:"deploymentCIDR"`
			}] `json:"networking"`
		}] `json:"regions"`
	}] `json:"cloudDetails"`

	Provider            text   `json:"provider"`
	Region              text   `json:"region"`
	PlanName            text   `json:"planName"`
	DatabaseStatus      text   `json:"databaseStatus"`
	Size                number `json:"size"`
	SizeUnit            text   `json:"sizeMeasurementUnit"`
	MaximumDatabases    number `json:"maximumDatabases"`
	CIDRs               number `json:"cidrAllowRules"`
	SupportsPersistence flag   `json:"supportDataPersistence"`
	SupportsBackups     flag   `json:"supportInstantAndDailyBackups"`
	SupportsReplication flag   `json:"supportReplication"`
	SupportsClustering  flag   `json:"supportClustering"`
}

func (w wireSubscription) subscription(plan Plan) Subscription {
	pro := plan == Pro
	s := Subscription{
		ID: w.ID.int(), Name: string(w.Name), Status: string(w.Status), Plan: plan,
		ActiveActive: strings.EqualFold(string(w.DeploymentType), "active-active"), MemoryStorage: strings.ToLower(string(w.MemoryStorage)),
		Databases: w.Databases.int(), Provider: string(w.Provider), Region: string(w.Region),
		PublicAccess: w.PublicAccess == nil || bool(*w.PublicAccess),
		PlanName:     string(w.PlanName), DatabaseStatus: string(w.DatabaseStatus),
		Size: float64(w.Size), SizeUnit: string(w.SizeUnit),
		MaximumDatabases: w.MaximumDatabases.int(), CIDRs: w.CIDRs.int(),
		SupportsPersistence: pro || bool(w.SupportsPersistence), SupportsBackups: pro || bool(w.SupportsBackups),
		SupportsReplication: pro || bool(w.SupportsReplication), SupportsClustering: pro || bool(w.SupportsClustering),
	}
	for _, cloud := range w.Clouds {
		s.Provider = firstOf(s.Provider, string(cloud.Provider))
		for _, region := range cloud.Regions {
			s.Region = firstOf(s.Region, string(region.Region))
			s.Regions = append(s.Regions, string(region.Region))
			for _, network := range region.Networking {
				if network.CIDR != "" {
					s.Networks = append(s.Networks, string(network.CIDR))
				}
			}
		}
	}
	if len(s.Regions) == 0 && s.Region != "" {
		s.Regions = []string{s.Region}
	}
	return s
}

// Subscriptions returns all Pro subscriptions, Active-Active ones included.
//
// API: Subscriptions - Pro, getAllSubscriptions.
func (c *Client) Subscriptions(ctx context.Context) ([]Subscription, error) {
	return c.subscriptions(ctx, Pro)
}

// EssentialsSubscriptions returns all Essentials subscriptions.
//
// API: Subscriptions - Essentials, getAllSubscriptions_1.
func (c *Client) EssentialsSubscriptions(ctx context.Context) ([]Subscription, error) {
	return c.subscriptions(ctx, Essentials)
}

func (c *Client) subscriptions(ctx context.Context, plan Plan) ([]Subscription, error) {
	type wire struct {
		Subscriptions list[wireSubscription] `json:"subscriptions"`
	}
	w, err := readInto[wire](ctx, c, get(string(plan)+" subscriptions", "", plan.path()))
	if err != nil {
		return nil, err
	}
	all := make([]Subscription, 0, len(w.Subscriptions))
	for _, s := range w.Subscriptions {
		if s.ID.int() > 0 {
			all = append(all, s.subscription(plan))
		}
	}
	return all, nil
}

// Subscription returns one subscription of either plan.
//
// API: Subscriptions - Pro, getSubscriptionById; - Essentials, getSubscriptionById_1.
func (c *Client) Subscription(ctx context.Context, plan Plan, id int) (Subscription, error) {
	in := get("subscription", fmt.Sprintf("%s/%d", plan, id), plan.subscription(id))
	w, err := readInto[wireSubscription](ctx, c, in)
	if err != nil {
		return Subscription{}, err
	}
	if w.ID.int() != id {
		return Subscription{}, in.fail(fmt.Errorf("answer is about subscription %d", w.ID.int()))
	}
	return w.subscription(plan), nil
}
