package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/segmentio/kafka-go"
)

// reach is the first offset that a partition holds and the one its next message will get.
type reach struct{ first, next int64 }

// topics prints two tables: what every partition holds, and where every group stands in it.
func topics(ctx context.Context, client *kafka.Client, w io.Writer) error {
	list, err := userTopics(ctx, client)
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b kafka.Topic) int { return cmp.Compare(a.Name, b.Name) })
	partitions := map[string][]int{}
	for _, topic := range list {
		for _, p := range topic.Partitions {
			partitions[topic.Name] = append(partitions[topic.Name], p.ID)
		}
		slices.Sort(partitions[topic.Name])
	}
	reaches, err := offsets(ctx, client, partitions)
	if err != nil {
		return err
	}

	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tPARTITION\tFIRST\tNEXT\tMESSAGES")
	for _, topic := range list {
		for _, p := range partitions[topic.Name] {
			r := reaches[topic.Name][p]
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", topic.Name, p, r.first, r.next, r.next-r.first)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return groups(ctx, client, w, list, partitions, reaches)
}

func offsets(ctx context.Context, client *kafka.Client, partitions map[string][]int) (map[string]map[int]reach, error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	request := map[string][]kafka.OffsetRequest{}
	for topic, ids := range partitions {
		for _, id := range ids {
			request[topic] = append(request[topic], kafka.FirstOffsetOf(id), kafka.LastOffsetOf(id))
		}
	}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: request})
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	reaches := map[string]map[int]reach{}
	for topic, list := range answer.Topics {
		reaches[topic] = map[int]reach{}
		for _, p := range list {
			if p.Error != nil {
				return nil, fmt.Errorf("offsets of %s/%d: %w", topic, p.Partition, p.Error)
			}
			reaches[topic][p.Partition] = reach{first: p.FirstOffset, next: p.LastOffset}
		}
	}
	return reaches, nil
}

func groups(ctx context.Context, client *kafka.Client, w io.Writer, list []kafka.Topic, partitions map[string][]int, reaches map[string]map[int]reach) error {
	known, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	slices.SortFunc(known.Groups, func(a, b kafka.ListGroupsResponseGroup) int { return cmp.Compare(a.GroupID, b.GroupID) })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GROUP\tTOPIC\tPARTITION\tCOMMITTED\tLAG")
	for _, group := range known.Groups {
		committed, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group.GroupID, Topics: partitions})
		if err != nil {
			return fmt.Errorf("offsets of group %s: %w", group.GroupID, err)
		}
		for _, topic := range list {
			stands := committed.Topics[topic.Name]
			slices.SortFunc(stands, func(a, b kafka.OffsetFetchPartition) int { return cmp.Compare(a.Partition, b.Partition) })
			for _, p := range stands {
				if p.CommittedOffset < 0 { // nothing committed: it does not read this one, or not yet
					continue
				}
				fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", group.GroupID, topic.Name, p.Partition, p.CommittedOffset,
					reaches[topic.Name][p.Partition].next-p.CommittedOffset)
			}
		}
	}
	return table.Flush()
}
