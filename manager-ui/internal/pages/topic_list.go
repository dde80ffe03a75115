package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"countersign.example/pkg/kafka"
	"countersign.example/pkg/web"
)

const topicsPath = "/topics"

var topicsView = web.NewView[topicsPage]("topics")

// topicsPage is what Kafka holds.
type topicsPage struct {
	Rows []topicRow
	Away string // why Kafka, or a part of the answer, is not there
	None web.Empty
}

type topicRow struct {
	kafka.TopicState
	Href   string
	Groups []groupLag
}

// groupLag is how far behind a consumer group is.
type groupLag struct {
	Name    string
	Lag     int64
	Badge   web.Badge
	Members int
}

func topicPath(name string) string { return topicsPath + "/" + url.PathEscape(name) }

func partitionPath(p kafka.Partition) string { return topicPath(p.Topic) + "/" + strconv.Itoa(p.ID) }

func messagePath(p kafka.Partition, offset int64) string {
	return partitionPath(p) + "/" + strconv.FormatInt(offset, 10)
}

// kafkaAway is what a page says while Kafka does not answer. Everything else of the app goes on without it.
const kafkaAway = "Kafka does not answer. What it holds is safe, and is shown again once it does: load this page again in a moment. " +
	"If it stays away, look at its brokers, and at KAFKA_BROKERS of this app."

// groupsAway is what it says where the topics are there, but the groups are not.
const groupsAway = "The consumer groups cannot be read at the moment, or this app's user of Kafka may not: it needs DESCRIBE on them."

// topicsNow reads the topics and groups that there are. What is missing is said in away.
func (h *handlers) topicsNow(c echo.Context) (topics []kafka.TopicState, groups []kafka.GroupState, away string) {
	ctx := c.Request().Context()
	topics, err := h.kafka.Look(ctx)
	if err != nil {
		h.log.WarnContext(ctx, "topics cannot be shown", "error", err)
		return nil, nil, kafkaAway
	}
	groups, err = h.kafka.Groups(ctx, topics)
	if err != nil {
		h.log.WarnContext(ctx, "consumer groups cannot be shown", "error", err)
		return topics, nil, groupsAway
	}
	return topics, groups, ""
}

func (h *handlers) listTopics(c echo.Context) error {
	topics, groups, away := h.topicsNow(c)
	page := topicsPage{Away: away, None: web.Empty{Title: "There is no topic", Text: "The services create theirs when they are migrated."}}
	for _, t := range topics {
		page.Rows = append(page.Rows, topicRow{TopicState: t, Href: topicPath(t.Name), Groups: groupsOf(t, groups)})
	}
	return topicsView.Render(c, http.StatusOK, web.Page{Title: "Topics", Nav: "topics"}, page)
}

// groupsOf are the groups that consume a topic.
func groupsOf(t kafka.TopicState, groups []kafka.GroupState) (of []groupLag) {
	for _, g := range groups {
		if lag, follows := g.Lag(t); follows {
			row := groupLag{Name: g.Name, Lag: lag, Members: len(g.Members), Badge: web.Badge{Tone: web.Good, Text: "Up to date"}}
			switch {
			case t.Unread():
				row.Badge = web.Badge{Tone: web.Warning, Text: "Not all is known"}
			case len(g.Members) == 0:
				row.Badge = web.Badge{Tone: web.Warning, Text: "Nobody consumes"}
			case lag > 0:
				row.Badge = web.Badge{Tone: web.Waiting, Text: "Behind"}
			}
			of = append(of, row)
		}
	}
	return of
}

// leaderAway is what it says of a partition whose leader does not answer.
const leaderAway = "The broker that leads this partition does not answer, or the partition has no leader at the moment. What it holds is safe while a replica is: " +
	"load this page again in a moment. If it stays so, look at the brokers that hold it."

// topicOf is the topic that the path names. Where Kafka is away, away says so.
func (h *handlers) topicOf(c echo.Context) (t kafka.TopicState, away string, err error) {
	topics, err := h.kafka.Look(c.Request().Context())
	if err != nil {
		h.log.WarnContext(c.Request().Context(), "topics cannot be shown", "error", err)
		return t, kafkaAway, nil
	}
	t, err = oneTopic(c, topics)
	return t, "", err
}

func oneTopic(c echo.Context, topics []kafka.TopicState) (t kafka.TopicState, err error) {
	for _, t := range topics {
		if t.Name == c.Param("topic") {
			return t, nil
		}
	}
	return t, web.NotFound(fmt.Sprintf("There is no topic %.100q, or no longer. The list shows those that there are.", c.Param("topic")))
}
