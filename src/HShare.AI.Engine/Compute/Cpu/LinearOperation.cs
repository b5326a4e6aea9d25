namespace HShare.AI.Engine.Compute.Cpu;

/// <summary>
/// output = input · Wᵀ (· scale) (+ bias). Few rows stream the packed weights once, as they are; many rows are cut into blocks that
/// stay in the second-level cache while panels, widened to float32 piece by piece, pass through the first.
/// </summary>
internal sealed unsafe class LinearOperation(WorkerPool pool, Scratch[] scratch) : ParallelWork
{
    private const int Width = MatrixKernel.PanelWidth;
    private const int MaxBlockRows = 32 * MatrixKernel.MaxRows;
    private const int MaxPieceDepth = 256;                           // a widened piece of a panel takes 16 KiB of the first-level cache
    private const int InputBlockSize = MaxBlockRows * MaxPieceDepth; // and the rows' part of the input 192 KiB of the second
    private const int StreamPieceBytes = 4096;                       // what is prefetched at a time where weights are only streamed
    private const int MaxItemPanels = 32;
    private const int MinItemWork = 1 << 16;                         // multiply-adds below which an item is not worth another thread

    private float* _input;
    private float* _output;
    private float* _scales;
    private float* _bias;
    private byte* _panels;
    private DType _type;
    private int _rows;
    private int _inFeatures;
    private int _outFeatures;
    private int _blockRows;
    private int _pieceDepth;
    private int _itemPanels;
    private int _panelGroups;

    /// <summary>Runs the layer.</summary>
    public void Run(Tensor input, LinearWeight weight, Tensor output)
    {
        _input = (float*)input.Address;
        _output = (float*)output.Address;
        _panels = (byte*)weight.Data.Address;
        _scales = (float*)weight.Scales.Address;
        _bias = (float*)weight.Bias.Address;
        _type = weight.Data.Type;
        _rows = input.Rows;
        _inFeatures = weight.InFeatures;
        _outFeatures = weight.OutFeatures;

        if (_rows == 0)
            return;

        // Even pieces, so that no thread is left with a small rest.
        int rowBlocks = CeilingDivide(_rows, MaxBlockRows);
        _blockRows = CeilingDivide(CeilingDivide(_rows, rowBlocks), MatrixKernel.MaxRows) * MatrixKernel.MaxRows;
        _pieceDepth = CeilingDivide(_inFeatures, CeilingDivide(_inFeatures, MaxPieceDepth));
        int panels = PackOperation.PanelCount(_outFeatures);
        long panelWork = (long)Math.Min(_rows, _blockRows) * _inFeatures * Width;
        int worthwhile = (int)((MinItemWork + panelWork - 1) / panelWork);
        int balanced = CeilingDivide(panels * rowBlocks, 4 * pool.ThreadCount);
        int itemPanels = Math.Max(worthwhile, Math.Min(balanced, MaxItemPanels));
        _itemPanels = CeilingDivide(itemPanels, VectorKernel.Panels) * VectorKernel.Panels;
        _panelGroups = CeilingDivide(panels, _itemPanels);
        pool.Run(this, CeilingDivide(_rows, _blockRows) * _panelGroups);
    }

    /// <inheritdoc/>
    public override void Execute(int item, int worker)
    {
        switch (_type)
        {
            case DType.Float32: Execute<Float32Element>(item, worker); break;
            case DType.Float16: Execute<Float16Element>(item, worker); break;
            case DType.BFloat16: Execute<BFloat16Element>(item, worker); break;
            default: Execute<Int8Element>(item, worker); break;
        }
    }

    private void Execute<TElement>(int item, int worker)
        where TElement : struct, IElement
    {
        (int block, int group) = Math.DivRem(item, _panelGroups);
        int firstPanel = group * _itemPanels;
        int endPanel = Math.Min(firstPanel + _itemPanels, PackOperation.PanelCount(_outFeatures));
        float* memory = scratch[worker].Reserve(InputBlockSize + (MaxBlockRows + MaxPieceDepth) * Width);
        if (_rows <= MatrixKernel.MaxRows)
            StreamPanels<TElement>(firstPanel, endPanel, memory);
        else
            MultiplyBlock<TElement>(block * _blockRows, Math.Min((block + 1) * _blockRows, _rows), firstPanel, endPanel, memory);
    }

    private void StreamPanels<TElement>(int firstPanel, int endPanel, float* lastPanel)
        where TElement : struct, IElement
    {
        int panel = firstPanel;
        if (_rows == 1)
        {
            int wholePanels = Math.Min(endPanel, _outFeatures / Width);
            for (; panel <= wholePanels - VectorKernel.Panels; panel += VectorKernel.Panels)
                VectorKernel.Multiply<TElement>(_input, Panel<TElement>(panel, 0), _inFeatures, _output + panel * Width);
        }

        for (; panel < endPanel; panel++)
        {
            float* c = Columns(0, panel, lastPanel, out int stride);
            int pieceDepth = StreamPieceBytes / (Width * TElement.Size);
            for (int start = 0; start < _inFeatures; start += pieceDepth)
            {
                byte* b = Panel<TElement>(panel, start);
                CachePrefetch.Read(b + 2 * StreamPieceBytes, StreamPieceBytes);
                MatrixKernel.Multiply<TElement>(
                    _rows, _input + start, _inFeatures, b, Math.Min(pieceDepth, _inFeatures - start), c, stride, accumulate: start > 0);
            }
        }

        Finish(0, _rows, firstPanel, endPanel, lastPanel);
    }

    private void MultiplyBlock<TElement>(int firstRow, int endRow, int firstPanel, int endPanel, float* memory)
        where TElement : struct, IElement
    {
        float* wide = memory + InputBlockSize;           // [piece depth, 16]
        float* lastPanel = wide + MaxPieceDepth * Width; // [rows, 16]
        int rows = endRow - firstRow;
        int blockDepth = InputBlockSize / rows / _pieceDepth * _pieceDepth; // the fewer rows, the deeper
        for (int start = 0; start < _inFeatures; start += blockDepth)
        {
            int depth = Math.Min(blockDepth, _inFeatures - start);
            for (int row = 0; row < rows; row++)
            {
                new ReadOnlySpan<float>(_input + (nint)(firstRow + row) * _inFeatures + start, depth).CopyTo(
                    new Span<float>(memory + row * depth, depth));
            }

            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                float* c = Columns(firstRow, panel, lastPanel, out int stride);
                byte* next = panel + 1 < endPanel ? Panel<TElement>(panel + 1, start) : Panel<TElement>(firstPanel, start + depth);
                MultiplyPanel<TElement>(memory, rows, Panel<TElement>(panel, start), next, depth, wide, c, stride, start > 0);
            }
        }

        Finish(firstRow, endRow, firstPanel, endPanel, lastPanel);
    }

    private void MultiplyPanel<TElement>(
        float* input, int rows, byte* panel, byte* nextPanel, int depth, float* wide, float* c, int cStride, bool accumulate)
        where TElement : struct, IElement
    {
        int tiles = CeilingDivide(rows, MatrixKernel.MaxRows);
        int tileRows = CeilingDivide(rows, tiles);
        for (int start = 0; start < depth; start += _pieceDepth)
        {
            int pieceDepth = Math.Min(_pieceDepth, depth - start);
            byte* b = panel + start * Width * TElement.Size;
            byte* next = start + pieceDepth < depth ? b + pieceDepth * Width * TElement.Size : nextPanel;
            int nextPart = CeilingDivide(_pieceDepth * Width * TElement.Size, tiles);
            if (typeof(TElement) != typeof(Float32Element))
            {
                ElementConversion.Widen<TElement>(b, wide, pieceDepth * Width);
                b = (byte*)wide;
            }

            for (int row = 0; row < rows; row += tileRows)
            {
                MatrixKernel.Multiply<Float32Element>(
                    Math.Min(tileRows, rows - row),
                    input + row * depth + start,
                    depth,
                    b,
                    pieceDepth,
                    c + (nint)row * cStride,
                    cStride,
                    accumulate || start > 0);
                CachePrefetch.Read(next, nextPart);
                next += nextPart;
            }
        }
    }

    private byte* Panel<TElement>(int panel, int start)
        where TElement : struct, IElement =>
        _panels + ((nint)panel * _inFeatures + start) * Width * TElement.Size;

    private int ColumnsOf(int panel) => Math.Min(Width, _outFeatures - panel * Width);

    // Where a panel's sums go: the output, or, where the panel reaches beyond it, a place of its own.
    private float* Columns(int firstRow, int panel, float* lastPanel, out int stride)
    {
        bool whole = ColumnsOf(panel) == Width;
        stride = whole ? _outFeatures : Width;
        return whole ? _output + (nint)firstRow * _outFeatures + panel * Width : lastPanel;
    }

    // Brings the last panel's columns home and applies scales and bias.
    private void Finish(int firstRow, int endRow, int firstPanel, int endPanel, float* lastPanel)
    {
        int last = endPanel - 1, first = firstPanel * Width, count = last * Width + ColumnsOf(last) - first;
        for (int row = firstRow; row < endRow; row++)
        {
            float* output = _output + (nint)row * _outFeatures;
            if (ColumnsOf(last) < Width)
            {
                new ReadOnlySpan<float>(lastPanel + (row - firstRow) * Width, ColumnsOf(last)).CopyTo(
                    new Span<float>(output + last * Width, ColumnsOf(last)));
            }

            if (_scales != null)
                VectorMath.Multiply(output + first, _scales + first, count);
            if (_bias != null)
                VectorMath.Add(output + first, _bias + first, count);
        }
    }

    private static int CeilingDivide(int a, int b) => (a + b - 1) / b;
}
