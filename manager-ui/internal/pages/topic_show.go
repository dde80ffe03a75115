package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/web"
)

var topicView = web.NewView[topicPage]("topic")

// topicPage is one topic with its partitions and who consumes them.
type topicPage struct {
	List       web.Link
	Name       string
	Away       string
	Partitions []partitionRow
	Groups     []topicGroup
}

type partitionRow struct {
	kafka.PartitionState
	Href  string
	Badge *web.Badge // what is to be said of it, if anything
}

// Messages is how many offsets it holds.
func (p partitionRow) Messages() int64 { return p.End - p.First }

type topicGroup struct {
	groupLag
	State      string
	Who        []string // its members and what they have
	Partitions []groupPartition
}

type groupPartition struct {
	ID        int
	Committed string // the offset that comes next; "" where nothing was committed
	Lag       int64
	Unread    bool // the lag is not known
}

func (h *handlers) showTopic(c echo.Context) error {
	var t kafka.TopicState
	topics, groups, away := h.topicsNow(c)
	if away != kafkaAway {
		var err error
		if t, err = oneTopic(c, topics); err != nil {
			return err
		}
	}
	page := topicPage{List: web.BackLink(c, "Topics", topicsPath), Name: c.Param("topic"), Away: away}
	for _, p := range t.Partitions {
		row := partitionRow{PartitionState: p, Href: partitionPath(p.Partition)}
		switch {
		case p.Leader == "":
			row.Badge = &web.Badge{Tone: web.Bad, Text: "No leader"}
		case p.Unread:
			row.Badge = &web.Badge{Tone: web.Bad, Text: "Its leader does not answer"}
		case p.InSync < p.Replicas:
			row.Badge = &web.Badge{Tone: web.Warning, Text: "Replicas lag behind"}
		}
		page.Partitions = append(page.Partitions, row)
	}
	for _, lag := range groupsOf(t, groups) {
		g := groups[slices.IndexFunc(groups, func(g kafka.GroupState) bool { return g.Name == lag.Name })]
		page.Groups = append(page.Groups, newTopicGroup(t, g, lag))
	}
	return topicView.Render(c, http.StatusOK, web.Page{Title: "Topic " + page.Name, Nav: "topics", Back: page.List.Href}, page)
}

func newTopicGroup(t kafka.TopicState, g kafka.GroupState, lag groupLag) topicGroup {
	of := topicGroup{groupLag: lag, State: g.State}
	for _, m := range g.Members {
		if ids := m.Partitions[t.Name]; len(ids) > 0 {
			slices.Sort(ids)
			of.Who = append(of.Who, fmt.Sprintf("%s at %s: %s", m.Name, m.Host, strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]")))
		}
	}
	for _, p := range t.Partitions {
		row := groupPartition{ID: p.ID, Lag: p.End - p.First, Unread: p.Unread}
		if committed, has := g.Committed[t.Name][p.ID]; has {
			row.Committed, row.Lag = fmt.Sprint(committed), max(0, p.End-max(p.First, committed))
		}
		of.Partitions = append(of.Partitions, row)
	}
	return of
}
