package readmodel

import (
	"time"

	"github.com/google/uuid"
)

// columns are rows turned into one array a column, so that one statement with one plan writes one
// row or five hundred.
type columns struct {
	ids                                                       []uuid.UUID
	contractorIDs, contractorNames, currencies, descriptions  []string
	captureMethods, decisions, decidedByNames, moneys, stucks []string
	amounts, revisions                                        []int64
	orderIDs, supersedes                                      []*uuid.UUID
	decidedAt                                                 []*time.Time
	requestedAt, updatedAt                                    []time.Time
	finals, pendings                                          []bool
	superseded, supersededBy                                  []uuid.UUID
	searchTerms                                               []string
	claimants                                                 []string // the contractors of supersededBy
}

func (c *columns) add(p Payment) {
	c.ids = append(c.ids, p.ID)
	c.contractorIDs = append(c.contractorIDs, p.ContractorID)
	c.contractorNames = append(c.contractorNames, p.ContractorName)
	c.amounts = append(c.amounts, p.AmountMinor)
	c.currencies = append(c.currencies, p.Currency)
	c.descriptions = append(c.descriptions, p.Description)
	c.orderIDs = append(c.orderIDs, p.OrderID)
	c.supersedes = append(c.supersedes, p.Supersedes)
	c.captureMethods = append(c.captureMethods, string(p.CaptureMethod))
	c.decisions = append(c.decisions, string(p.Decision))
	c.decidedByNames = append(c.decidedByNames, p.DecidedByName)
	c.decidedAt = append(c.decidedAt, p.DecidedAt)
	c.moneys = append(c.moneys, string(p.Money))
	c.finals = append(c.finals, p.Final)
	c.stucks = append(c.stucks, string(p.Stuck))
	c.pendings = append(c.pendings, p.Pending)
	c.requestedAt = append(c.requestedAt, p.RequestedAt)
	c.updatedAt = append(c.updatedAt, p.UpdatedAt)
	c.revisions = append(c.revisions, p.Revision)
	c.searchTerms = append(c.searchTerms, p.SearchTerms)
	if p.Supersedes != nil {
		c.superseded = append(c.superseded, *p.Supersedes)
		c.supersededBy = append(c.supersededBy, p.ID)
		c.claimants = append(c.claimants, p.ContractorID)
	}
}

// args are the parameters of upsert.
func (c *columns) args() []any {
	return []any{c.ids, c.contractorIDs, c.contractorNames, c.amounts, c.currencies, c.descriptions, c.orderIDs, c.supersedes,
		c.captureMethods, c.decisions, c.decidedByNames, c.decidedAt, c.moneys, c.finals, c.pendings, c.requestedAt, c.updatedAt,
		c.revisions, c.searchTerms, c.stucks}
}
