package readmodel_test

import (
	"fmt"
	"strings"
	"testing"

	"countersign.example/pkg/readmodel"
)

func TestCut(t *testing.T) {
	for name, test := range map[string]struct {
		rows             []int // as they were read
		after, backwards bool
		want             string
	}{
		"nothing":            {nil, false, false, "{[] false false}"},
		"the only page":      {[]int{1, 2}, false, false, "{[1 2] false false}"},
		"the first of more":  {[]int{1, 2, 3}, false, false, "{[1 2] false true}"},
		"one in the middle":  {[]int{3, 4, 5}, true, false, "{[3 4] true true}"},
		"the last":           {[]int{5}, true, false, "{[5] true false}"},
		"back to the middle": {[]int{4, 3, 2}, false, true, "{[3 4] true true}"},
		"back to the first":  {[]int{2, 1}, false, true, "{[1 2] false true}"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(readmodel.Cut(test.rows, 2, test.after, test.backwards)); got != test.want {
				t.Errorf("%s, not %s", got, test.want)
			}
		})
	}
}

func TestSortName(t *testing.T) {
	if got := readmodel.SortName("ÄPFEL" + strings.Repeat("Ö", 100)); got != "äpfel"+strings.Repeat("ö", 35) {
		t.Error(got)
	}
}
