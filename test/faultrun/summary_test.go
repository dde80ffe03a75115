package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARunThatEndedEarlySaysNothingOfLosses(t *testing.T) {
	ended := &summary{Seed: 7}
	require.NotContains(t, ended.text(), "lost 0")
	require.Contains(t, ended.bad(), "the records were not compared")

	compared := &summary{Seed: 7, Compared: true}
	require.Contains(t, compared.text(), "lost 0, doubled 0, diverged 0, stale 0")
	require.Empty(t, compared.bad())
}
