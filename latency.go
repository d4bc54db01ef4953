package querycache

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// subBuckets divide each power of two, which bounds the error of a quantile
// to 1/8 of its value.
const subBuckets = 8

// histogram counts durations in logarithmic buckets, from 1 ns to about 10
// minutes. The zero value is ready; it is safe for concurrent use.
type histogram struct {
	buckets [40 * subBuckets]atomic.Int64
	sum     atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)].Add(1)
	h.sum.Add(int64(d))
}

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 1))
	exp := bits.Len64(n) - 1
	sub := int(n<<(63-exp)>>(63-3)) & (subBuckets - 1)
	return min(exp*subBuckets+sub, 40*subBuckets-1)
}

// bucketTop is the largest duration that falls into bucket i.
func bucketTop(i int) time.Duration {
	exp, sub := i/subBuckets, i%subBuckets
	return time.Duration(float64(uint64(1)<<exp)*(1+float64(sub+1)/subBuckets)) - 1
}

func (h *histogram) snapshot() Latency {
	l := Latency{sum: time.Duration(h.sum.Load())}
	for i := range h.buckets {
		l.buckets[i] = h.buckets[i].Load()
		l.count += l.buckets[i]
	}
	return l
}

// Latency is a distribution of durations. It is immutable.
type Latency struct {
	buckets [40 * subBuckets]int64
	count   int64
	sum     time.Duration
}

// Count returns how many durations were measured.
func (l Latency) Count() int64 { return l.count }

// Mean returns their average; 0 if there are none.
func (l Latency) Mean() time.Duration {
	if l.count == 0 {
		return 0
	}
	return l.sum / time.Duration(l.count)
}

// Quantile returns a duration that a share q of them, from 0 to 1, does not
// exceed, at most 1/8 too high; 0 if there are none.
func (l Latency) Quantile(q float64) time.Duration {
	rank := int64(q * float64(l.count))
	var seen int64
	for i, n := range l.buckets {
		seen += n
		if n > 0 && seen > min(rank, l.count-1) {
			return max(bucketTop(i), 0)
		}
	}
	return 0
}
